"""Speech in the forms that toolkits keep it in: Kaldi's data folders, lhotse's manifests, Hugging Face's data sets."""
