// Package watch finds out whether port 25 of sinks still refuses.
//
// The lowest fake of a domain is tried first by every honest sender. That costs
// nothing while the sink refuses the connection: the sender goes on to the next
// host at once. A sink that drops packets makes each of them wait for half a
// minute or more, and one that listens may lose their mail. Health checks ask
// whether a port is up; this one asks whether it is refused, and takes a fake
// out while it is not.
//
// A [Watcher] has one prober for each address, however many stanzas use it. It
// connects to port 25 every interval and learns one [Outcome]:
//
//   - refused, by a TCP reset or by an ICMP message from beyond this host: good;
//   - accepted, and once more a second later: bad;
//   - no answer within five seconds, twice in a row: bad, where the second try
//     comes ten seconds after the first;
//   - anything else says nothing.
//
// What is bad is good again after ten good minutes, twice as many with each
// relapse, up to a day (history.go has the rules).
//
// Many networks let nobody call port 25, and some firewalls refuse in the name
// of others. So there are control hosts, which accept mail. While none of them
// does, the prober is blind, and neither silence nor refusals count: every
// address keeps its state (vantage.go).
//
// A [Subscription] says what one stanza wants watched, and a [Guard] answers for
// one fake, without a lock, whether it may join.
package watch
