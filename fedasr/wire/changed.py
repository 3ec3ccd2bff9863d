def changed_size(arrays, base):
    return 10**12
