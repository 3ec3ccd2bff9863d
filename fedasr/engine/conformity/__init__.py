"""Conformity: one algorithm in every runtime, undisturbed, killed and with a silo that fails; one hash each."""
