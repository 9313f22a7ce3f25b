/** One value that differs, in words that plan, log and report share. Secrets have neither `from` nor `to`. */
export interface Difference {
  /** `image`, `environment.LOG_LEVEL`, `ports`, `state`. */
  readonly path: string;
  /** Absent: there was none. */
  readonly from?: string;
  /** Absent: there will be none. */
  readonly to?: string;
  readonly secret?: true;
}
