package main

// sendmail is the package's own sendmail.cf and submit.cf.
func sendmail() *sender {
	return &sender{
		name:     "sendmail",
		software: software{packages: []string{"sendmail-bin", "sendmail-base", "sendmail-cf"}},
		start:    [][]string{{"sendmail", "-L", "sm-mta", "-bd", "-q10m"}},
		flush:    [][]string{{"sendmail", "-q"}},
		submit:   viaSendmail,
	}
}
