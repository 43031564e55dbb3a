package statespace

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// rows read and write the tables of a store beside it.
type rows struct {
	*sql.DB
	names []string
}

// tables are all rows of a store, by table.
type tables map[string][][]any

func openRows(path string) (*rows, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(OFF)&_pragma=synchronous(OFF)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	r := &rows{DB: db}
	found, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, err
		}
		r.names = append(r.names, name)
	}
	return r, found.Err()
}

func (r *rows) dump() (tables, error) {
	all := tables{}
	for _, name := range r.names {
		found, err := r.Query("SELECT * FROM " + name)
		if err != nil {
			return nil, err
		}
		columns, _ := found.Columns()
		for found.Next() {
			row := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			if err := found.Scan(into...); err != nil {
				return nil, err
			}
			all[name] = append(all[name], row)
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// load replaces all rows.
func (r *rows) load(all tables) error {
	tx, err := r.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, name := range r.names {
		if _, err := tx.Exec("DELETE FROM " + name); err != nil {
			return err
		}
		for _, row := range all[name] {
			put := "INSERT INTO " + name + " VALUES (?" + strings.Repeat(", ?", len(row)-1) + ")"
			if _, err := tx.Exec(put, row...); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return tx.Commit()
}
