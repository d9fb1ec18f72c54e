-- The table of the booking back end that slotd replaces, as far as a booking needs it.
CREATE TABLE sessions (
	id bigserial PRIMARY KEY,
	psychologist_id text NOT NULL,
	scheduled_date date NOT NULL,
	scheduled_time time NOT NULL,
	client_id text NOT NULL,
	status text NOT NULL
);

CREATE UNIQUE INDEX sessions_one_per_slot ON sessions (psychologist_id, scheduled_date, scheduled_time)
	WHERE status IN ('booked', 'rescheduled', 'confirmed');
