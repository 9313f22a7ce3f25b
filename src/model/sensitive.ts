const names =
  /passw|passphrase|(?:^|_)pass$|secret|token|credential|private|api_?key|access_?key|auth|dsn$|(?:^|_)keys?$|_key_|_pw$|_pwd$|connection_?string/i;
/** Of these forms everybody knows that they are secrets: a login in a URL, a key in PEM form, tokens of known services. */
const values = [
  /:\/\/[^/\s:]*:[^@\s]+@/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(?:password|pwd)\s*=\s*[^;\s]+/i,
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk_live_|AKIA)\w{8,}/,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/,
];

/** Whether a variable's name or its value says that it is a secret. */
export function isSensitive(name: string, value: string): boolean {
  return names.test(name) || isSensitiveText(value);
}

/** Whether a text is, or holds, what everybody knows for a secret. */
export function isSensitiveText(text: string): boolean {
  return values.some((form) => form.test(text));
}
