/**
 * The ways in which a secret's value may stand in somebody's output: as it is, line by line where it has several, and
 * base64, URL, JSON, shell, HTML and hex encoded. Forms shorter than `minimumLength` are left out.
 */
export function encodedForms(value: string, minimumLength: number): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const wholes = [value, value.trim()];
  // Line by line, a value is found however its lines are indented or ended; that misses lines too short to look for.
  const isCoveredByLines = lines.length > 1 && lines.every((line) => line === '' || line.length >= minimumLength);
  const encoders = [base64Forms, urlForms, jsonForms, shellForms, markupForms, hexForms];
  const encoded = [...wholes, ...lines].filter((text) => text.length >= minimumLength);
  const forms = new Set([
    ...(isCoveredByLines ? [] : wholes),
    ...lines,
    ...encoded.flatMap((text) => encoders.flatMap((encode) => encode(text))),
  ]);
  return [...forms].filter((form) => form.length >= minimumLength);
}

/**
 * Base64 of the value alone, and the part of it that shows whatever stands before and after the value: three forms,
 * by how many bytes before it fill a group of three. Wrapped at 64 and 76 columns too, as `base64` and PEM do.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  const forms = [0, 1, 2].flatMap((bytesBefore) => {
    const encoded = Buffer.concat([Buffer.alloc(bytesBefore), bytes]).toString('base64');
    // Characters that hold bits of the bytes before: 0, 2 or 3. And at the end, bits of the bytes after.
    const start = [0, 2, 3][bytesBefore] ?? 0;
    const unpadded = encoded.replace(/=+$/, '');
    const sharesLast = (bytesBefore + bytes.length) % 3 !== 0;
    return [encoded.slice(start), unpadded.slice(start), unpadded.slice(start, sharesLast ? -1 : undefined)];
  });
  const wrapped = [64, 76].flatMap((columns) => chunks(bytes.toString('base64'), columns));
  const all = [...forms, ...wrapped];
  return [...all, ...all.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** The lines of wrapped text; none for text of one line, and none so short that it would be found by chance. */
function chunks(text: string, columns: number): string[] {
  if (text.length <= columns) return [];
  const lines = Array.from({ length: Math.ceil(text.length / columns) }, (_, index) =>
    text.slice(index * columns, (index + 1) * columns),
  );
  return lines.filter((line) => line.length >= 8);
}

function urlForms(value: string): string[] {
  // encodeURIComponent refuses half a surrogate pair.
  const wellFormed = value.replace(/\p{Cs}/gu, '\ufffd');
  const component = encodeURIComponent(wellFormed);
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [component, strict, encodeURI(wellFormed), strict.replaceAll('%20', '+')];
  return [...forms, ...forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const ascii = plain.replace(/[^\x20-\x7e]/g, unicodeEscape);
  const forHtml = plain.replace(/[<>&\u2028\u2029]/g, unicodeEscape);
  const withSlashes = plain.replaceAll('/', '\\/');
  const once = [plain, ascii, forHtml, withSlashes];
  // JSON inside a JSON string, as in a log line that a log driver wraps.
  return [...once, ...once.map((form) => JSON.stringify(form).slice(1, -1))];
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Within single quotes (two ways), double quotes, `$'…'`, behind backslashes, and quotes doubled as YAML and SQL do. */
function shellForms(value: string): string[] {
  return [
    value.replaceAll("'", String.raw`'\''`),
    value.replaceAll("'", `'"'"'`),
    value.replace(/[\\$`"]/g, '\\$&'),
    value.replace(/[\\$`"!]/g, '\\$&'),
    value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r'),
    value.replace(/[^\p{L}\p{N}_.,:/@%+=\n-]/gu, '\\$&'),
    value.replaceAll("'", "''"),
  ];
}

function markupForms(value: string): string[] {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quoted = escaped.replaceAll('"', '&quot;');
  return [escaped, quoted, ...['&#39;', '&#x27;', '&apos;'].map((quote) => quoted.replaceAll("'", quote))];
}

function hexForms(value: string): string[] {
  const hex = Buffer.from(value).toString('hex');
  return [hex, hex.toUpperCase()];
}
