"""The shipped storages, one module each; drivers are extras and are imported when a storage connects."""
