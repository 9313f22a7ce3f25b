/** An HTTP answer that is no success; who asked knows what the status means there. */
export class UnexpectedAnswer extends Error {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(`answered ${status} ${reason}`.trim());
    this.name = 'UnexpectedAnswer';
    this.status = status;
  }
}
