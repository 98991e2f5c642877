def each_package(storage_pool, node_args):
    for name in storage_pool.get('ListPackages')['packages']:
        yield {'name': name}
