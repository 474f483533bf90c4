package message_test
import ("testing";"encoding/json")
func BenchmarkStdValid(b *testing.B) {
	body := bodies()["json"].Body
	b.SetBytes(int64(len(body)))
	for b.Loop() { json.Valid(body) }
}
