# Trial and error (RFC 3104 6.1): x2 uses the cookie by which x1 speaks with the peer, and is dropped; by another it gets
# through. strongSwan takes the cookie that it is told to. Source this file after learned.sh.

step_collision() {
	local taken before
	check "collision: x1 speaks with the peer" initiate x1 2 tunnel
	taken=$(cookies x1)
	taken=${taken%/*} before=$(dropped cookie_collision)
	check_here "collision: x2's strongSwan is told to use x1's cookie 0x$taken" collide_start "$taken" || return
	refute "collision: x2 does not get through" ike x2 --initiate --ike v2 --child v2-tunnel --timeout 3
	check "collision: the packets were dropped, counted" wait_for 10 dropped_since cookie_collision "$before"
	check "collision: x1's session goes on" datagrams x1 tunnel
	check_here "collision: x2's strongSwan is left to choose" collide_end
	check "collision: x2 gets through by another cookie" initiate x2 2 tunnel
	check "collision: both sessions work" both datagrams tunnel
	both terminate 2
}

collide_start() {
	in_box x2 tee /etc/strongswan.d/same.conf >/dev/null <<-END
		charon {
			spi_mask = 0xffffffffffffffff
			spi_label = 0x$1
		}
	END
	ike_stop x2
	ike_start x2
}

collide_end() {
	in_box x2 rm /etc/strongswan.d/same.conf
	ike_stop x2
	ike_start x2
}
