"""A payment by card and voucher. Whatever fails, the customer gets back what was taken."""

from __future__ import annotations

from selinon_core import FatalTaskError, SelinonTask

DEFAULT_PAYMENT = {"card": "4000", "voucher": "TEA10", "amount": 81.0}
VOUCHERS = {"TEA10": 10.0}


class GatewayBusy(Exception):
    """The gateway asks to try again later."""


class ChargeCard(SelinonTask):
    """Card 4000 works at the third attempt, 4001 is never answered, all others are refused."""

    def run(self, node_args):
        card = (node_args or DEFAULT_PAYMENT)["card"]
        if card == "4001" or (card == "4000" and self.attempt < 3):
            raise GatewayBusy(f"no answer to attempt {self.attempt}")
        if card != "4000":
            # Fatal: trying again would not help.
            raise FatalTaskError(f"card {card} was refused")
        return {"charged": card}


class RedeemVoucher(SelinonTask):
    def run(self, node_args):
        code = (node_args or DEFAULT_PAYMENT)["voucher"]
        if code not in VOUCHERS:
            raise FatalTaskError(f"voucher {code} is not known")
        return {"redeemed": code, "value": VOUCHERS[code]}


class SendReceipt(SelinonTask):
    def run(self, node_args):
        value = self.parent_task_result("RedeemVoucher")["value"]
        return {"by_card": (node_args or DEFAULT_PAYMENT)["amount"] - value, "by_voucher": value}


class RefundCard(SelinonTask):
    def run(self, node_args):
        return {"refunded": node_args["card"]}


class RestoreVoucher(SelinonTask):
    def run(self, node_args):
        return {"restored": node_args["voucher"]}


class ExplainToCustomer(SelinonTask):
    """``self.failures`` has the failed runs that this fallback handles, by name."""

    def run(self, node_args):
        reasons = [str(self.parent_task_exception(name)) for name in sorted(self.failures)]
        return "We are sorry: " + "; ".join(reasons)
