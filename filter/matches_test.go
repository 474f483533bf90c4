package filter_test

import "strings"

// lines returns the filters of a row of matches.
func lines(filters string) []string {
	texts := strings.Split(strings.TrimSpace(filters), "\n")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
	}
	return texts
}

// matches has a filter on each line, by what it says of the order.
var matches = map[string]string{
	"true": `
		TRUE
		true
		1=1
		color = 'red'
		user.color = 'red'
		USER.color = 'red'
		COLOR = 'red'
		[color] = 'red'
		"color" = 'red'
		user.[color] = 'red'
		color <> 'blue'
		color != 'Red'
		color > 'rec'
		color >= 'red' AND color <= 'red'
		color < 'ree'
		'red' = color
		(color) = ('red')
		color = @color
		size = 10
		size = @ten
		size = 10.0
		10e0 = size
		size <= 10 AND size >= 10
		size > 9.99
		size < 1e3
		price = 2.5
		price > 2
		price < 3
		max = 9223372036854775807
		min = -9223372036854775808
		max > 9223372036854775806
		max = 9223372036854775807.0
		case = 1
		CASE = 2
		Case = 2
		urgent
		urgent = TRUE
		urgent = @yes
		NOT old
		not not urgent
		old = false
		urgent <> old
		[order-id] = 'A-7'
		[Order-Id] LIKE 'A-%'
		"order-id" = 'A-7'
		[a]]b] = 1
		"a""b" = 2
		[a b] = 3
		[AND] = 5
		user.AND = 5
		p = 6
		größe = 7
		body = 8
		sys = 9
		[x.y] = 11
		at = @at
		at < @later
		at <> @later
		id = @id
		bytes = @bytes
		sys.MessageId = '42'
		sys.messageid = '42'
		SYS.[MessageId] = '42'
		sys.Label = 'Order'
		sys.Subject = 'Order'
		sys.SessionId = ''
		sys.CorrelationId LIKE 'c-_'
		sys.To = '/to' AND sys.ReplyTo = '/reply' AND sys.PartitionKey = 'p'
		sys.ContentType = 'application/json'
		sys.ContentEncoding IS NULL
		sys.ContentLanguage is null
		sys.ReplyToSessionId IS NULL
		sys.TimeToLive = 90
		sys.TimeToLive > 89.5
		sys.ScheduledEnqueueTimeUtc = @at
		EXISTS(color)
		exists (Color)
		EXISTS(nothing)
		NOT EXISTS(missing)
		EXISTS(sys.Label)
		NOT EXISTS(sys.ContentEncoding)
		EXISTS(body.a)
		EXISTS(body.a.c)
		NOT EXISTS(body.a.nope)
		EXISTS(p('color'))
		EXISTS(p(name))
		missing IS NULL
		nothing IS NULL
		color IS NOT NULL
		NULL IS NULL
		missing + 1 IS NULL
		body.a.c IS NULL
		body.a IS NOT NULL
		body.nope IS NULL
		color IN ('red')
		color IN ('blue', 'red', 'green')
		color IN ('blue', NULL, 'red')
		color NOT IN ('blue', 'green')
		size IN (1, 10.0)
		size IN ('10', 10)
		size + 1 IN (price, 11)
		size IN (missing, size)
		color LIKE 'red'
		color LIKE 'r%'
		color LIKE '%d'
		color LIKE '%e%'
		color LIKE '%'
		color LIKE '%%%'
		color LIKE '___'
		color LIKE 'r_d'
		color LIKE '_%d'
		color LIKE 'r%%d'
		color LIKE pattern
		color LIKE 'r' + '%'
		color NOT LIKE 'R%'
		color NOT LIKE '____'
		empty LIKE ''
		empty LIKE '%'
		empty NOT LIKE '_'
		umlaut LIKE 'Gr__e'
		umlaut LIKE '%üße'
		percent LIKE '100%'
		percent LIKE '100\%\_\\' ESCAPE '\'
		percent LIKE '100!%!_\' ESCAPE '!'
		percent LIKE '100ß%ß_\' ESCAPE 'ß'
		percent LIKE '%\\' escape '\'
		percent LIKE '___%%%__' ESCAPE '%'
		'a%b' LIKE 'a!%b' ESCAPE '!'
		'abc' NOT LIKE 'a!%' ESCAPE '!'
		'aab' LIKE '%ab'
		'abcabd' LIKE '%ab_'
		'abcabcd' LIKE '%abc%d'
		'mississippi' LIKE '%iss%ip%'
		'it''s' = 'it' + '''s'
		1 + 2 * 3 = 7
		(1 + 2) * 3 = 9
		10 - 3 - 2 = 5
		10 - (3 - 2) = 9
		100 / 10 / 5 = 2
		7 / 2 = 3
		-7 / 2 = -3
		7 % 3 = 1
		-7 % 3 = -1
		7.5 % 2 = 1.5
		7 / 2.0 = 3.5
		1.0 / 0 > max
		- size = -10
		-(-size) = 10
		- -size = 10
		+size = 10
		2 - -2 = 4
		2--2=4
		size * -1 < 0
		4611686018427387904 * -2 = min
		min * 1 = min
		min % -1 = 0
		max - 1 < max
		size * size2 = 20
		price * 2 = 5
		size + price = 12.5
		'a' + 'b' = 'ab'
		color + '-' + color = 'red-red'
		property('color') = 'red'
		P('COLOR') = 'red'
		p(name) = 'red'
		p('co' + 'lor') = 'red'
		p('sys.label') = 'Order'
		p('user.color') = 'red'
		p('user.sys') = 9
		p(sysname) = 'Order'
		p(@label) = 'Order'
		p('x.y') = 11
		p(p('name')) = 'red'
		newid() <> newid()
		NewId() IS NOT NULL
		body.t
		NOT body.f
		body.n = 12
		body.d = 12
		body.e = 100
		body.big = 9223372036854775808.0
		body.huge IS NULL
		body.twice = 2
		body.key = 'k'
		body.s = 'Grüße "q"'
		body.a.b[0].[odd name] = 'x'
		body.a.b[0]."odd name" = 'x'
		BODY.a.b[1][1] = 2.5
		body.a.b[1][2] = -3
		body.a.b[2] IS NULL
		body.a[0] IS NULL
		body.a.b.b IS NULL
		body.n.x IS NULL
		body.A IS NULL
		body.p.v = '\"'
		body.p.[}] = ']'
		body.x[0] IS NULL
		body.[#] IS NULL
		body.[*] IS NULL
		body.[a.b] IS NULL
		body.[@this] IS NULL
		color = 'red' AND size = 10 OR color = 'blue'
		color = 'blue' AND size = 11 OR size = 10
		color = 'red' OR missing = 1
		missing = 1 OR color = 'red'
		NOT color = 'blue' AND size = 10
		FALSE OR NOT FALSE AND TRUE
		TRUE OR 1/0 = 1
		color = 'red' or zero = 1/zero
		NaN <> NaN
		NaN NOT IN (1, 2)`,
	"false": `
		FALSE
		1 = 2
		color = 'blue'
		color = 'RED'
		size <> 10
		size > 10
		price < 2
		max < 9223372036854775806
		case = 2
		old
		NOT urgent
		urgent = FALSE
		EXISTS(missing)
		EXISTS(sys.ContentEncoding)
		EXISTS(body.nope)
		EXISTS(p('nope'))
		color IS NULL
		NULL IS NOT NULL
		color IN ('blue')
		color IN ('Red', 'RED')
		color NOT IN ('red', NULL)
		size IN (1, 2)
		color LIKE 're'
		color LIKE 'ed'
		color LIKE ''
		color LIKE '__'
		color LIKE '____%'
		color LIKE 'R%'
		color LIKE 're%x'
		color LIKE '%x%'
		color NOT LIKE '%'
		empty LIKE '_'
		percent LIKE '100\%' ESCAPE '\'
		'aXb' LIKE 'a!_b' ESCAPE '!'
		id <> @id
		at > @later
		NaN = NaN
		NaN < 1
		NaN >= 1
		NaN = @nan
		missing = 1 AND FALSE
		FALSE AND missing = 1
		FALSE AND 1/0 = 1
		old AND 1/zero = 1
		sys.SessionId <> ''
		newid() = newid()
		NULL AND FALSE`,
	"unknown": `
		NULL
		missing
		nothing
		missing = 1
		missing <> 1
		missing = missing
		nothing = NULL
		NULL = NULL
		color = NULL
		color = @null
		sys.ContentEncoding = 'br'
		sys.ReplyToSessionId <> 'x'
		body.nope = 1
		body.a.c = 1
		body.a = body.a
		body.a = 'x'
		amqp = @amqp
		amqp = amqp
		size = '10'
		size <> '10'
		color > 5
		urgent = 1
		urgent = 'true'
		at = '2026-01-31T12:30:15Z'
		id = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
		urgent < TRUE
		urgent > old
		id < @id
		bytes >= @bytes
		missing IN (1, 2)
		NULL IN (NULL)
		color IN ('blue', NULL)
		color NOT IN ('blue', NULL)
		color NOT IN ('blue', missing)
		color IN (1, 2)
		color NOT IN (1, 2)
		missing LIKE '%'
		missing NOT LIKE '%'
		color LIKE NULL
		color LIKE missing
		color LIKE 'a' ESCAPE NULL
		size LIKE '1%'
		size NOT LIKE '1%'
		missing + 1 = 1
		1 - NULL = 1
		-missing = 1
		'a' + missing = 'a'
		color * missing = 1
		missing / 0 = 1
		missing = 1 AND TRUE
		missing = 1 OR FALSE
		missing = 1 AND missing = 2
		missing = 1 OR missing = 2
		p('nope') = 1
		p(missing) = 1
		body.s = 1`,
	"error": `
		color
		size
		at
		body.n
		body.a
		p('color')
		size AND TRUE
		TRUE AND color
		color + 1 = 2
		1 + color = 2
		color - 'r' = 'ed'
		color * 2 = 4
		urgent + 1 = 2
		-color = 'x'
		+color = 'red'
		-urgent = FALSE
		at + 1 = 1
		1 / 0 = 1
		1 % 0 = 1
		size / zero = 1
		max + 1 = 0
		min - 1 = 0
		max * 2 = 0
		min * -1 = 0
		min / -1 = 0
		-min = 0
		-1 - max - 1 = min - 1
		max + size IS NULL
		1/0 IN (1)
		1 IN (2, 1/0)
		color LIKE size
		color LIKE name ESCAPE name
		color LIKE name ESCAPE empty
		color LIKE percent ESCAPE '\'
		missing = 1 AND 1/0 = 1
		missing = 1 OR 1/0 = 1
		NOT (1/0 = 1)
		p(size) = 1
		p(bad) = 1
		EXISTS(p(bad))
		p('sys.' + 'nope') = 1`,
}
