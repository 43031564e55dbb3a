package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A query is what a reader of PromQL, as far as our files need it, has found in an
// expression.
type query struct {
	tokens []string
	at     int

	selected []selector
}

// A selector is a metric with its labels in an expression.
type selector struct {
	name   string
	labels []string
	ranged bool     // [5m]
	within string   // the function around it
	by     []string // labels of the aggregation around it
}

var token = regexp.MustCompile(`^(?:[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9]+(?:\.[0-9]+)?[smhd]?|"(?:[^"\\]|\\.)*"|=~|!~|!=|==|>=|<=|[-+*/<>=(){}\[\],])`)

// Functions and aggregations, and whether they take a range.
var functions = map[string]bool{"rate": true, "increase": true, "histogram_quantile": false, "time": false, "abs": false}

var aggregations = []string{"sum", "max", "min", "avg", "count"}

// parseQuery reads an expression.
func parseQuery(text string) (q *query, err error) {
	q = &query{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		t := token.FindString(rest)
		if t == "" {
			return nil, fmt.Errorf("at %.20q", rest)
		}
		q.tokens = append(q.tokens, t)
		rest = rest[len(t):]
	}
	defer func() {
		if fault, ok := recover().(error); ok {
			err = fault
		}
	}()
	q.expression("", nil)
	if q.at != len(q.tokens) {
		return nil, fmt.Errorf("%s is too much", q.peek())
	}
	return q, nil
}

func (q *query) peek() string {
	if q.at < len(q.tokens) {
		return q.tokens[q.at]
	}
	return ""
}

func (q *query) next() string {
	t := q.peek()
	if t == "" {
		panic(fmt.Errorf("it ends too early"))
	}
	q.at++
	return t
}

func (q *query) expect(want string) {
	if got := q.next(); got != want {
		panic(fmt.Errorf("%s where %s should be", got, want))
	}
}

var operators = []string{"+", "-", "*", "/", "<", ">", "==", "!=", ">=", "<=", "or", "and", "unless"}

func (q *query) expression(within string, by []string) {
	q.operand(within, by)
	for slices.Contains(operators, q.peek()) {
		q.next()
		q.operand(within, by)
	}
}

func (q *query) operand(within string, by []string) {
	t := q.next()
	takesRange, isFunction := functions[t]
	switch {
	case t == "(":
		q.expression(within, by)
		q.expect(")")
	case t[0] >= '0' && t[0] <= '9':
	case slices.Contains(aggregations, t):
		by := q.grouping()
		q.expect("(")
		q.expression(within, append(slices.Clone(by), "by"))
		q.expect(")")
	case isFunction:
		q.expect("(")
		inner := within
		if takesRange {
			inner = t
		}
		for q.peek() != ")" {
			q.expression(inner, by)
			if q.peek() == "," {
				q.next()
			}
		}
		q.expect(")")
	case regexp.MustCompile(`^[a-z_:]+$`).MatchString(t):
		q.selector(t, within, by)
	default:
		panic(fmt.Errorf("%s is no metric, function or number", t))
	}
}

// grouping reads "by (a, b)".
func (q *query) grouping() (by []string) {
	if q.peek() != "by" {
		return nil
	}
	q.next()
	q.expect("(")
	for q.peek() != ")" {
		by = append(by, q.next())
		if q.peek() == "," {
			q.next()
		}
	}
	q.next()
	return by
}

func (q *query) selector(name, within string, by []string) {
	s := selector{name: name, within: within, by: by}
	if q.peek() == "{" {
		q.next()
		for q.peek() != "}" {
			s.labels = append(s.labels, q.next())
			if op := q.next(); !slices.Contains([]string{"=", "!=", "=~", "!~"}, op) {
				panic(fmt.Errorf("%s between label and value", op))
			}
			if v := q.next(); v[0] != '"' {
				panic(fmt.Errorf("%s is no text", v))
			}
			if q.peek() == "," {
				q.next()
			}
		}
		q.next()
	}
	if q.peek() == "[" {
		q.next()
		if !regexp.MustCompile(`^[0-9]+[smhd]$`).MatchString(q.next()) {
			panic(fmt.Errorf("no time in [ ]"))
		}
		q.expect("]")
		s.ranged = true
	}
	q.selected = append(q.selected, s)
}
