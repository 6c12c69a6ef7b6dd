"""A gateway that serves TCP alone."""
from protocol.harness import check, expect_error, expect_kind
from rsip_wire import Err, Msg, client_id, counter, message


@check("UDP on a gateway that serves TCP only: USE_TCP (appendix A, 102)")
def use_tcp(lab):
    session = lab.x1.udp()
    for raw in (message(Msg.REGISTER_REQUEST, counter(1)), message(Msg.REGISTER_REQUEST),
                message(Msg.QUERY_REQUEST, client_id(1), counter(2))):
        expect_error(session.ask_raw(raw), Err.USE_TCP)
    expect_kind(lab.x1.tcp().register(), Msg.REGISTER_RESPONSE)
