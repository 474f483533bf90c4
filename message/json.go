package message

// A message as JSON is one object: the fields by their names in lower camel
// case, properties in the form that AppendProperties describes, and the body
// in one of three forms. [M1]
//
//	"body": "a string"       the body is the string's text in UTF-8
//	"body": any other value  the body is the value's bytes as they were sent
//	"bodyBase64": "AQI="     the body is these bytes
//
// Without a contentType the first is text/plain and the second
// application/json; an empty one says that there is none. Null is as if the
// member were not there, but as a body.
const (
	typeText = "text/plain"
	typeJSON = "application/json"
)

// The members of a message that are not text, as places behind fields. Those
// from firstBrokerMember on are the broker's.
const (
	jsonTimeToLive = fieldCount + iota
	jsonSchedule
	jsonProperties
	jsonBody
	jsonBodyBase64
	jsonSequenceNumber
	jsonEnqueuedSequenceNumber
	jsonEnqueuedTime
	jsonDeliveryCount
	jsonLockedUntil
	jsonLock
	jsonStatus
	jsonReason
	jsonDescription
	jsonSource
	jsonCount

	firstBrokerMember = jsonSequenceNumber
)

var jsonNames = [jsonCount - fieldCount]string{
	"timeToLive", "scheduledEnqueueTimeUtc", "properties", "body", "bodyBase64",
	"sequenceNumber", "enqueuedSequenceNumber", "enqueuedTimeUtc", "deliveryCount", "lockedUntilUtc", "lock",
	"status", "deadLetterReason", "deadLetterErrorDescription", "deadLetterSource",
}

// jsonName returns the name of the member at a place.
func jsonName(at int) string {
	if at < fieldCount {
		return fields[at].json
	}
	return jsonNames[at-fieldCount]
}

// jsonMember returns the place of a member, jsonCount if there is none.
func jsonMember(name []byte) int {
	for i := range fields {
		if fields[i].json == string(name) {
			return i
		}
	}
	for i := range jsonNames {
		if jsonNames[i] == string(name) {
			return fieldCount + i
		}
	}
	return jsonCount
}
