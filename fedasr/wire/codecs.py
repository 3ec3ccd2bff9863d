from fedasr.wire.dense import Dense
CODECS = {"dense": Dense}
def build_codec(name, options):
    return CODECS[name](**options)
