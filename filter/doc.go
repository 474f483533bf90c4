// Package filter tells whether a message is for a subscription, by an SQL
// filter of Azure Service Bus or by a correlation filter, and changes a
// subscription's copy with an SQL action. [S6]
//
// # Properties
//
// A property is [scope.]name, and user is the scope when none is given.
//
//   - sys.Name is one of MessageId, SessionId, CorrelationId, Label (also
//     Subject), To, ReplyTo, ReplyToSessionId, PartitionKey, ContentType,
//     ContentEncoding, ContentLanguage, TimeToLive (a decimal number of
//     seconds) and ScheduledEnqueueTimeUtc (a timestamp), in any case. One that
//     the message has not set is NULL; another name is a mistake in the text.
//   - user.Name is an application property. A name of exactly that spelling
//     comes first, then the first in order that differs only in case. One that
//     is not there is NULL.
//   - body.a.b[0] is a member of a JSON body, by exact names and by places in
//     arrays from 0; body[0] if the body is an array. Of members of the same
//     name the last counts. A body that is not JSON or has more than
//     MaxBodyBytes has none; a member that is an object or array exists, is not
//     NULL and compares with nothing.
//
// A name with other characters than letters, digits and _ stands in brackets,
// [order-id], or in double quotes; a closing bracket or quote in it is doubled.
// So does one that is a reserved word.
//
// property(e), or p(e), is the property whose name, with the scope sys. or user.
// or none, is the text e. newid() is a new UUID. @name is a parameter.
//
// # Values
//
// Integers have 64 bits and decimals are doubles; an operation on both is one on
// doubles. An integer that overflows or is divided by zero is an error; doubles
// follow IEEE 754. + joins two strings. Arithmetic on anything else is an error.
//
// Strings compare by their bytes, so case counts; timestamps by time. Other
// values are equal or not, and asking for their order, or comparing values of
// different types, is unknown, as is everything with NULL. LIKE on what is not a
// string is unknown too, but a pattern that is none is an error; % stands for any
// characters, _ for one.
//
// IS NULL is true of a property that is not there or is null, EXISTS is true of
// one that is there, null or not. A property that holds a boolean is a condition
// by itself; one that holds another value is an error there.
//
// AND, OR and NOT have SQL's three values, and operands are looked at from left
// to right until the result is certain: an error in what is not needed does not
// occur.
package filter
