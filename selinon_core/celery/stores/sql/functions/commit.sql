-- Keep a step of a run, all or nothing. See Store.commit.
CREATE OR REPLACE FUNCTION {commit}(
    p_run text, p_version int, p_now float8, p_token int, p_create text[], p_completes int, p_batch text,
    p_consumed int, p_outbox text[], p_done text[], p_undelivered int, p_carrier int, p_inlined int,
    p_payload_numbers int[], p_payloads text[], p_timers text[], p_timer_dues float8[], p_no_timers text[],
    p_clear_timers bool, p_slot_keys text[], p_slot_names text[], p_slot_distances float8[],
    p_status text, p_flow text, p_queue text, p_inbox_threshold int, p_idle_check_after float8, p_fields text,
    p_keep bool, p_lease float8, p_ttl float8, p_index text)
RETURNS TABLE(ok bool, token int, entries text[], delays float8[]) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    v_run {runs}; v_new bool := false; v_running bool; v_last bigint; v_due float8; v_start float8;
    v_left bool := false; v_paused bool := false; v_index jsonb; v_row {index};
    v_progress bool := p_batch IS NOT NULL OR p_consumed > 0 OR cardinality(p_outbox) > 0
        OR cardinality(p_timers) + cardinality(p_no_timers) > 0 OR cardinality(p_slot_keys) > 0;
BEGIN
    ok := false; entries := ARRAY[]::text[]; delays := ARRAY[]::float8[];
    SELECT * INTO v_run FROM {runs} WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        IF p_create IS NULL THEN RETURN NEXT; RETURN; END IF;
        v_new := true;
        v_run.id := p_run; v_run.status := p_create[1]; v_run.flow := p_create[2]; v_run.queue := p_create[3];
        v_run.inbox_threshold := p_create[4]::int; v_run.idle_check_after := p_create[5]::float8;
        v_run.fields := p_create[6];
        v_run.version := 0; v_run.token := 0; v_run.undelivered := 0; v_run.lease := 0;
        v_run.created := p_now; v_run.updated := p_now; v_run.silent_after := 0; v_run.wakeups_sent := 0;
    END IF;
    IF (v_new <> (p_create IS NOT NULL))
            OR v_run.version <> p_version
            OR (p_token IS NULL AND NOT v_new AND v_run.inbox_threshold >= {OUT_OF_REACH})
            OR (p_token IS NULL AND v_run.lease > p_now)
            OR (p_token IS NOT NULL AND (v_run.token <> p_token OR v_run.lease = 0)) THEN
        RETURN NEXT; RETURN;
    END IF;
    IF p_token IS NULL THEN
        IF EXISTS (SELECT 1 FROM {inbox} WHERE run = p_run) THEN RETURN NEXT; RETURN; END IF;
        IF p_completes <> 0 THEN
            UPDATE {nodes} SET done = true, seen_at = begun_at
                WHERE run = p_run AND number = p_completes AND NOT done;
            IF NOT FOUND THEN
                INSERT INTO {nodes} (run, number, delivery, begun_at, attempts, retries, deliveries, done, seen_at)
                    VALUES (p_run, p_completes, 0, 0, 0, 0, 0, true, 0) ON CONFLICT DO NOTHING;
                IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
            END IF;
        END IF;
    END IF;
    ok := true;
    IF v_progress OR cardinality(p_done) > 0 THEN v_run.wakeups_sent := 0; END IF;
    IF p_batch IS NOT NULL THEN
        v_run.version := v_run.version + 1;
        INSERT INTO {log} (run, version, batch) VALUES (p_run, v_run.version, p_batch);
    END IF;
    v_run.status := coalesce(p_status, v_run.status); v_run.flow := coalesce(p_flow, v_run.flow);
    v_run.queue := coalesce(p_queue, v_run.queue);
    v_run.inbox_threshold := coalesce(p_inbox_threshold, v_run.inbox_threshold);
    v_run.idle_check_after := coalesce(p_idle_check_after, v_run.idle_check_after);
    IF p_fields IS NOT NULL THEN v_run.fields := (v_run.fields::jsonb || p_fields::jsonb)::text; END IF;
    v_running := v_run.status = 'running';
    v_paused := v_running AND v_run.inbox_threshold >= {OUT_OF_REACH};
    IF p_batch IS NOT NULL OR (v_running AND v_progress) THEN
        v_run.updated := p_now; v_run.silent_after := 0;
    END IF;
    IF NOT v_running THEN
        DELETE FROM {inbox} WHERE run = p_run;
        IF p_ttl > 0 THEN v_run.expires := p_now + p_ttl; END IF;
    ELSIF p_token IS NOT NULL THEN
        IF p_consumed > 0 THEN
            SELECT max(id) INTO v_last
                FROM (SELECT id FROM {inbox} WHERE run = p_run ORDER BY id LIMIT p_consumed) AS consumed;
            DELETE FROM {inbox} WHERE run = p_run AND id <= v_last;
        END IF;
        IF NOT (v_paused AND p_keep) THEN
            entries := ARRAY(SELECT entry FROM {inbox} WHERE run = p_run ORDER BY id);
        END IF;
    END IF;
    IF cardinality(p_done) > 0 THEN
        DELETE FROM {outbox} WHERE run = p_run AND name = ANY(p_done);
    END IF;
    IF cardinality(p_outbox) > 0 THEN
        INSERT INTO {outbox} (run, name) SELECT DISTINCT p_run, key FROM unnest(p_outbox) AS key
            ON CONFLICT DO NOTHING;
    END IF;
    IF p_carrier IS NOT NULL THEN
        IF p_inlined = 0 THEN
            DELETE FROM {inlined} WHERE run = p_run AND carrier = p_carrier;
        ELSE
            INSERT INTO {inlined} (run, carrier, number) VALUES (p_run, p_carrier, p_inlined)
                ON CONFLICT (run, carrier) DO UPDATE SET number = excluded.number;
            INSERT INTO {nodes} (run, number, delivery, begun_at, attempts, retries, deliveries, done, seen_at)
                VALUES (p_run, p_inlined, 0, p_now, 0, 0, 1, false, p_now)
                ON CONFLICT (run, number) DO UPDATE SET delivery = 0, begun_at = p_now, attempts = 0, retries = 0,
                    deliveries = 1, done = false, seen_at = p_now;
        END IF;
    END IF;
    IF cardinality(p_payload_numbers) > 0 THEN
        INSERT INTO {payloads} (run, number, body)
            SELECT p_run, given.number, given.body
            FROM unnest(p_payload_numbers, p_payloads) AS given(number, body);
    END IF;
    IF p_clear_timers THEN
        DELETE FROM {timers} WHERE run = p_run AND name NOT LIKE 'n%' AND name <> ALL(p_timers);
    END IF;
    IF cardinality(p_no_timers) > 0 THEN
        DELETE FROM {timers} WHERE run = p_run AND name = ANY(p_no_timers) AND name <> ALL(p_timers);
    END IF;
    IF cardinality(p_timers) > 0 THEN
        INSERT INTO {timers} (run, name, due)
            SELECT p_run, given.name, given.due FROM unnest(p_timers, p_timer_dues) AS given(name, due)
            ON CONFLICT (run, name) DO UPDATE SET due = excluded.due;
    END IF;
    FOR i IN 1 .. cardinality(p_slot_keys) LOOP
        SELECT greatest(p_now, "next") INTO v_start FROM {slots} WHERE name = p_slot_names[i] FOR UPDATE;
        IF FOUND THEN
            UPDATE {slots} SET "next" = v_start + p_slot_distances[i] WHERE name = p_slot_names[i];
        ELSE
            v_start := p_now;
            INSERT INTO {slots} (name, "next") VALUES (p_slot_names[i], p_now + p_slot_distances[i]);
        END IF;
        delays := delays || (v_start - p_now);
        IF v_start <= p_now THEN
            v_left := true;
            INSERT INTO {outbox} (run, name) VALUES (p_run, p_slot_keys[i]) ON CONFLICT DO NOTHING;
        ELSE
            INSERT INTO {timers} (run, name, due) VALUES (p_run, translate(left(p_slot_keys[i], 1), 'tf', 'ns')
                || substr(p_slot_keys[i], 2), v_start)
                ON CONFLICT (run, name) DO UPDATE SET due = excluded.due;
        END IF;
    END LOOP;
    v_run.undelivered := v_run.undelivered + p_undelivered;
    IF p_keep OR (cardinality(entries) > 0 AND NOT v_paused) THEN
        v_run.token := CASE WHEN p_token IS NULL THEN v_run.token + 1 ELSE p_token END;
        v_run.lease := p_now + p_lease;
        v_run.due := v_run.lease;
        token := v_run.token;
    ELSIF v_paused THEN
        v_run.lease := 0;
        v_run.due := (SELECT due FROM {timers} WHERE run = p_run AND name = 'deadline');
    ELSE
        SELECT min(due) INTO v_due FROM {timers} WHERE run = p_run;
        IF v_left OR cardinality(p_outbox) > 0 OR EXISTS (SELECT 1 FROM {outbox} WHERE run = p_run) THEN
            v_due := least(v_due, p_now + least({BACKOFF} * 2.0 ^ v_run.wakeups_sent, {MAX_BACKOFF}));
        END IF;
        IF v_run.idle_check_after <> 0 AND v_running THEN
            v_due := least(v_due, v_run.updated + v_run.idle_check_after);
        END IF;
        v_run.lease := 0;
        v_run.due := v_due;
    END IF;
    IF v_new THEN
        INSERT INTO {runs} SELECT v_run.*;
    ELSE
        UPDATE {runs} SET version = v_run.version, status = v_run.status, flow = v_run.flow, queue = v_run.queue,
            token = v_run.token, lease = v_run.lease, undelivered = v_run.undelivered,
            wakeups_sent = v_run.wakeups_sent, inbox_threshold = v_run.inbox_threshold,
            idle_check_after = v_run.idle_check_after, updated = v_run.updated,
            silent_after = v_run.silent_after, due = v_run.due,
            expires = v_run.expires, fields = v_run.fields WHERE id = p_run;
    END IF;
    IF p_index IS NOT NULL THEN
        v_index := p_index::jsonb;
        IF v_index ? 'row' THEN
            v_row := jsonb_populate_record(NULL::{index}, v_index -> 'row');
            INSERT INTO {index} SELECT v_row.* ON CONFLICT (id) DO UPDATE SET flow = excluded.flow,
                status = excluded.status, created = excluded.created, begun = excluded.begun, ended = excluded.ended,
                attempt = excluded.attempt, reason = excluded.reason, args = excluded.args, key = excluded.key,
                lane = excluded.lane, priority = excluded.priority, rerun_of = excluded.rerun_of,
                root = excluded.root, parent = excluded.parent, labels = excluded.labels, changed = excluded.changed;
            IF v_row.labels IS NOT NULL OR v_row.key IS NOT NULL THEN  -- else no run had this id before
                DELETE FROM {labels} WHERE run = p_run;
            END IF;
            IF v_row.labels IS NOT NULL THEN
                INSERT INTO {labels} (run, name, value, status, created)
                    SELECT p_run, each.key, each.value, v_row.status, v_row.created
                    FROM jsonb_each_text(v_row.labels::jsonb) AS each;
            END IF;
        ELSE
            SELECT * INTO v_row FROM {index} WHERE id = p_run;
            IF FOUND THEN
                v_row := jsonb_populate_record(v_row, v_index -> 'columns');
                UPDATE {index} SET status = v_row.status, begun = v_row.begun, ended = v_row.ended,
                    attempt = v_row.attempt, reason = v_row.reason, key = v_row.key, lane = v_row.lane,
                    priority = v_row.priority, rerun_of = v_row.rerun_of, changed = v_row.changed WHERE id = p_run;
                IF v_row.labels IS NOT NULL THEN
                    UPDATE {labels} SET status = v_row.status WHERE run = p_run AND status <> v_row.status;
                END IF;
            END IF;
        END IF;
    END IF;
    IF p_batch IS NULL AND p_token IS NOT NULL AND p_status IS NULL AND p_fields IS NULL AND p_consumed = 0
            AND p_carrier IS NULL AND cardinality(p_outbox) + cardinality(p_slot_keys) = 0
            AND cardinality(p_timers) + cardinality(p_no_timers) = 0 THEN
        -- Only that effects are carried out: a crash of the server makes that happen twice, which is harmless.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    RETURN NEXT;
END $body$
