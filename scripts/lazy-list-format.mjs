// In the bundle in Intl.ListFormat's place: what got checks its options with makes two of them when it is loaded, for the
// words of errors. The first one of a process takes 20 ms, a third of a Node's start.
export class LazyListFormat {
  #options;
  #format;

  constructor(...options) {
    this.#options = options;
  }

  format(list) {
    this.#format ??= new Intl.ListFormat(...this.#options);
    return this.#format.format(list);
  }
}
