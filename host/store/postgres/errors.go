package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/recrypt-service/recrypt/host/store"
)

// code returns the SQLSTATE of err, or "" if the database did not send one.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// passes reports whether trying again may help: the transaction collided with another, the
// database is starting, stopping or being read from only, or it cannot be reached.
func passes(err error) bool {
	switch c := code(err); c {
	case "":
		return lost(err)
	case "40001", "40003", "40P01", // collided, or nobody knows
		"57P01", "57P02", "57P03", "57P05", // shut down, crashed, not up yet, idle for too long
		"25006", "25P03", // a standby; idle in a transaction for too long
		"53300", "55P03", "57014": // too many connections, lock not available, attempt took too long
		return true
	default:
		return strings.HasPrefix(c, "08") // connection
	}
}

// lost reports whether err is about the connection, and not the database's answer.
func lost(err error) bool {
	if code(err) != "" {
		return false
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) // of an attempt
}

// undone reports whether err is the database's answer that it has not committed. One that
// ends the session is not: it may come while the commit waits for a standby.
func undone(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SeverityUnlocalized == "ERROR" && e.Code != "40003"
}

// unavailable is what remains when patience ends. The address of the database is the
// operator's business: err is for the log.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

// sentinel returns the sentinel of package store that err stands for, or nil.
func sentinel(err error) error {
	switch c := code(err); {
	case errors.Is(err, pgx.ErrNoRows):
		return store.ErrNotFound
	case c == "53100":
		return store.ErrFull
	case c == "XX001", c == "XX002", c == "42P01", c == "42703":
		return store.ErrDamaged // corrupted, or a table or column is missing
	case c == "42501":
		return store.ErrReadOnly
	case passes(err) && !errors.Is(err, store.ErrUnavailable):
		return store.ErrUnavailable
	}
	return nil
}

// wrap adds the sentinel of package store that err stands for. Other errors, nil
// included, pass unchanged. If ctx has ended, that is the error.
func wrap(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && (passes(err) || errors.Is(err, ctx.Err())) {
		return ctx.Err()
	}
	if s := sentinel(err); s != nil && !errors.Is(err, s) {
		return fmt.Errorf("%w: %w", s, err)
	}
	return err
}

// failed says in err what was being done and adds the sentinels of package store.
func failed(ctx context.Context, doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, wrap(ctx, err))
	}
	return nil
}
