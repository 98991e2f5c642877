"""A payment by card and voucher. Whatever fails, the customer gets back what was taken."""

from __future__ import annotations

from selinon_core import FatalTaskError, SelinonTask

VOUCHERS = {"TEA10": 10.0}


class GatewayBusy(Exception):
    """The gateway asks to try again later."""


class ChargeCard(SelinonTask):
    """Card 4000 works at the third attempt, 4001 is never answered, all others are refused."""

    def run(self, *, card: str):
        if card == "4001" or (card == "4000" and self.attempt < 3):
            raise GatewayBusy(f"no answer to attempt {self.attempt}")
        if card != "4000":
            # Fatal: trying again would not help.
            raise FatalTaskError(f"card {card} was refused")
        return {"charged": card}


class RedeemVoucher(SelinonTask):
    def run(self, *, voucher: str):
        if voucher not in VOUCHERS:
            raise FatalTaskError(f"voucher {voucher} is not known")
        return {"redeemed": voucher, "value": VOUCHERS[voucher]}


class SendReceipt(SelinonTask):
    def run(self, *, by_card: float, by_voucher: float):
        return {"by_card": by_card, "by_voucher": by_voucher}


class RefundCard(SelinonTask):
    """Started together with ``ExplainToCustomer``: both get the same arguments, and each takes what it needs."""

    def run(self, *, card: str, **others):
        return {"refunded": card}


class RestoreVoucher(SelinonTask):
    def run(self, *, voucher: str, **others):
        return {"restored": voucher}


class ExplainToCustomer(SelinonTask):
    def run(self, *, reasons: list[str], **others):
        return "We are sorry: " + "; ".join(reasons)
