"""Why a run went as it did: reasons as values, found from the facts of the run."""
