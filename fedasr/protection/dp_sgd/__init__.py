"""DP-SGD over utterances: settings, plan, and training at the centre and in silos."""
