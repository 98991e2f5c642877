-- Messages of node runs arrived: which of them are to be run? See Store.claim_delivery.
CREATE OR REPLACE FUNCTION {claim}(p_run text, p_numbers int[], p_serials int[], p_again bool, p_now float8)
RETURNS TABLE(kind text, attempts int, retries int, deliveries int, payload text) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    v_run record; v_node record; v_number int; v_serial int; v_inlined int; v_fresh bool;
    v_begun int := 0; v_forgettable bool := true;
    v_paused bool;
BEGIN
    SELECT status, inbox_threshold INTO v_run FROM {runs} WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.status = 'cancelled' THEN
        kind := CASE WHEN FOUND THEN '{ENDED}' ELSE '{GONE}' END;
        RETURN QUERY SELECT kind, 0, 0, 1, NULL::text FROM unnest(p_numbers);
        RETURN;
    END IF;
    v_paused := v_run.status = 'running' AND v_run.inbox_threshold >= {OUT_OF_REACH};
    FOR i IN 1 .. cardinality(p_numbers) LOOP
        v_number := p_numbers[i];
        v_serial := p_serials[i];
        attempts := 0; retries := 0; deliveries := 1; payload := NULL;
        SELECT delivery, begun_at, done INTO v_node FROM {nodes} WHERE run = p_run AND number = v_number;
        v_fresh := v_node.begun_at IS NULL OR v_node.begun_at = 0 OR v_serial > v_node.delivery;
        IF v_node.done OR v_number = 0 THEN
            DELETE FROM {inlined} WHERE run = p_run AND carrier = v_number RETURNING number INTO v_inlined;
            IF FOUND THEN
                INSERT INTO {outbox} (run, name) VALUES (p_run, 'o' || v_inlined) ON CONFLICT DO NOTHING;
                UPDATE {runs} SET due = least(due, p_now + {BACKOFF}) WHERE id = p_run;
                IF v_run.status = 'running' THEN
                    UPDATE {runs} SET updated = p_now, silent_after = 0 WHERE id = p_run;
                END IF;
                v_forgettable := false;
                kind := '{UNFINISHED}';
            ELSIF EXISTS (SELECT 1 FROM {outbox} WHERE run = p_run)
                    OR EXISTS (SELECT 1 FROM {inbox} WHERE run = p_run) THEN
                kind := '{UNFINISHED}';
            ELSE
                kind := '{DUPLICATE}';
            END IF;
        ELSIF v_serial < v_node.delivery OR NOT (v_fresh OR p_again) THEN
            kind := '{STALE}';
        ELSIF v_paused THEN
            IF NOT v_fresh THEN
                UPDATE {nodes} SET begun_at = 0, seen_at = 0 WHERE run = p_run AND number = v_number;
                v_begun := v_begun - 1;
            END IF;
            kind := '{PAUSED}';
        ELSE
            INSERT INTO {nodes} AS node
                (run, number, delivery, begun_at, attempts, retries, deliveries, done, seen_at)
                VALUES (p_run, v_number, v_serial, p_now, 0, 0, 1, false, p_now)
                ON CONFLICT (run, number) DO UPDATE SET
                    delivery = v_serial, begun_at = p_now, deliveries = node.deliveries + 1, seen_at = p_now
                RETURNING node.attempts, node.retries, node.deliveries INTO attempts, retries, deliveries;
            SELECT body INTO payload FROM {payloads} WHERE run = p_run AND number = v_number;
            IF v_fresh THEN v_begun := v_begun + 1; END IF;
            kind := '{RUN}';
        END IF;
        RETURN NEXT;
    END LOOP;
    IF v_begun <> 0 THEN
        UPDATE {runs} SET undelivered = undelivered - v_begun WHERE id = p_run;
    END IF;
    IF v_forgettable THEN  -- after a crash of the server the nodes count as not begun: at worst they run again
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
END $body$
