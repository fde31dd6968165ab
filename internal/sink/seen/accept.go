package seen

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// accept has each connection to l served until ctx ends, most of them at a time:
// any more are closed at once. It closes l, and returns when all are done.
func accept(ctx context.Context, l net.Listener, most int, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, most)
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			time.Sleep(100 * time.Millisecond) // no file is free for now
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		clients.Go(func() {
			defer func() { <-slots }()
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			serve(conn)
		})
	}
}
