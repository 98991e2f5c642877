from selinon.caches import FIFO


class Pinned(FIFO):
    """Gives up what was added first, but never the very first item."""

    def _clean_cache(self):
        while self.current_cache_size + 1 > self.max_cache_size and self.current_cache_size > 1:
            latest = self._cache_usage[1]
            del self._cache[latest]
