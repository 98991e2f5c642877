-- Events for the inbox of a run, the ends of node runs each once. See Store.append_event.
CREATE OR REPLACE FUNCTION {append}(p_run text, p_numbers int[], p_serials int[], p_entries text[], p_urgent bool,
    p_tasks text[], p_errors text[], p_expires float8, p_known int, p_lease float8, p_now float8)
RETURNS TABLE({opened}) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    v_run record; v_node record; v_number int; v_kept bool := false; v_urgent bool;
BEGIN
    SELECT run.status, run.lease, run.inbox_threshold INTO v_run FROM {runs} AS run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        kind := '{GONE}';
        RETURN NEXT;
        RETURN;
    END IF;
    v_urgent := p_urgent AND (v_run.inbox_threshold < {OUT_OF_REACH} OR p_numbers[1] = 0);
    FOR i IN 1 .. cardinality(p_numbers) LOOP
        v_number := p_numbers[i];
        IF v_number <> 0 THEN
            SELECT delivery, done INTO v_node FROM {nodes} WHERE run = p_run AND number = v_number;
            IF v_node.done OR (p_serials[i] >= 0 AND coalesce(v_node.delivery, 0) <> p_serials[i]) THEN
                CONTINUE;
            END IF;
            INSERT INTO {nodes} AS node
                (run, number, delivery, begun_at, attempts, retries, deliveries, done, seen_at)
                VALUES (p_run, v_number, 0, 0, 0, 0, 0, true, 0)
                ON CONFLICT (run, number) DO UPDATE SET done = true, seen_at = node.begun_at;
        END IF;
        v_kept := true;
        IF p_tasks[i] IS NOT NULL THEN
            INSERT INTO {errors} (task, body, expires) VALUES (p_tasks[i], p_errors[i], p_expires)
                ON CONFLICT (task) DO UPDATE SET body = excluded.body, expires = excluded.expires;
        END IF;
        IF v_run.status = 'running' THEN
            INSERT INTO {inbox} (run, entry) VALUES (p_run, p_entries[i]);
        END IF;
    END LOOP;
    IF NOT v_kept THEN
        kind := '{DUPLICATE}';
    ELSIF v_run.status <> 'running' THEN
        kind := '{ENDED}';
    ELSIF v_run.lease > p_now THEN
        kind := '{HELD}';
    ELSIF v_run.inbox_threshold > 1 AND NOT v_urgent
            AND (SELECT count(*) FROM {inbox} WHERE run = p_run) < v_run.inbox_threshold THEN
        kind := '{BUFFERED}';
    ELSIF p_lease > 0 THEN
        RETURN QUERY SELECT * FROM {open}(p_run, p_known, p_lease, p_now);
        RETURN;
    ELSE
        UPDATE {runs} SET due = least(due, p_now + {BACKOFF}) WHERE id = p_run;
        kind := '{ADVANCE}';
    END IF;
    RETURN NEXT;
END $body$
