from selinon.routines import always_run


def reuse_download(flow_name, node_name, node_args, task_names, storage_pool):
    if node_name in task_names or 'reuse' not in node_args:
        return always_run(flow_name, node_name, node_args, task_names, storage_pool)
    return node_args['reuse']
