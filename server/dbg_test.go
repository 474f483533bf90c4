package server_test
import ("testing";"fmt";"time";"log/slog";"os";"io"
 "github.com/jitney-mq/jitney/server")
func TestDbg(t *testing.T) {
	inBubbleWith(t, server.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr,&slog.HandlerOptions{Level:slog.LevelDebug}))}, func(b *bus) {
		b.queue("/orders", "")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1")
		time.Sleep(time.Second)
		late := b.dial()
		defer late.Close()
		fmt.Fprint(late, "GET /orders HTTP/1.1\r\nHost: loc")
		time.Sleep(time.Second)
		fmt.Println("now", time.Now())
		s := time.Now()
		end := b.shutting()
		fmt.Println("shutting", time.Since(s))
		go fmt.Fprint(late, "alhost\r\n\r\n")
		x, err := io.ReadAll(late)
		fmt.Println("late", string(x), err, time.Since(s))
		fmt.Println("end", end())
	})
}
