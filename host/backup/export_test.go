package backup

import (
	"context"
	"fmt"
)

// Dump returns the rows of all tables that are in backups, as text.
func Dump(ctx context.Context, target string) (map[string][]string, error) {
	d, err := Open(ctx, target)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	tx, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	out := map[string][]string{}
	for _, t := range tablesOf(Backup) {
		err := d.each(ctx, tx, t, func(row []any) error {
			line := ""
			for i, c := range t.columns {
				v := row[i]
				if t.name == "grants" && c.name == "suspended" {
					v = v.(int64) & 1 // whether it is lost is another thing
				}
				if v == nil {
					line += c.name + "=NULL "
				} else {
					line += fmt.Sprintf("%s=%x ", c.name, v)
				}
			}
			out[t.name] = append(out[t.name], line)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
