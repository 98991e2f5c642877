-- Take the lease of a run and read what its holder needs. See Store.acquire_lease.
CREATE OR REPLACE FUNCTION {open}(p_run text, p_known int, p_lease float8, p_now float8)
RETURNS TABLE({opened}) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    v_run record;
BEGIN
    SELECT * INTO v_run FROM {runs} WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.lease > p_now THEN
        RETURN;
    END IF;
    UPDATE {runs} SET token = v_run.token + 1, lease = p_now + p_lease, due = p_now + p_lease WHERE id = p_run;
    known := CASE WHEN p_known <= v_run.version THEN p_known ELSE 0 END;
    RETURN QUERY SELECT '{LEASED}'::text, v_run.token + 1, known, v_run.flow::text, v_run.queue::text,
        v_run.status::text, v_run.version, v_run.inbox_threshold, v_run.idle_check_after, v_run.lease, v_run.created,
        v_run.updated, v_run.fields,
        ARRAY(SELECT batch FROM {log} AS log WHERE log.run = p_run AND log.version > known ORDER BY log.version),
        ARRAY(SELECT entry FROM {inbox} AS inbox WHERE inbox.run = p_run ORDER BY inbox.id),
        ARRAY(SELECT name::text FROM {outbox} AS outbox WHERE outbox.run = p_run),
        ARRAY(SELECT name::text FROM {timers} AS timers WHERE timers.run = p_run AND timers.due <= p_now);
END $body$
