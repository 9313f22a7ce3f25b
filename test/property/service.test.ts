import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOptions } from '../../src/docker/create.ts';
import { specHash } from '../../src/docker/hash.ts';
import { Secret } from '../../src/model/secret.ts';
import { parseService } from '../../src/service/parse.ts';
import { serviceKeys } from '../../src/service/table.ts';
import { writtenTwice } from '../support/arbitrary-services.ts';
import { service, serviceContext } from '../support/services.ts';

test('short and long forms, in any order of keys, are one service with one hash', () => {
  fc.assert(
    fc.property(writtenTwice, ({ short, long }) => {
      expect(service(long)).toEqual(service(short));
      expect(specHash(service(long))).toBe(specHash(service(short)));
    }),
  );
});

test('the canonical form of a key, written, is that form again', () => {
  fc.assert(
    fc.property(writtenTwice, ({ short }) => {
      const { spec } = service(short);
      const written = serviceKeys.flatMap(({ name, container }): [string, unknown][] => {
        const value = spec[name];
        return value === undefined ? [] : [[name, container?.write?.(value) ?? value]];
      });
      expect(service(Object.fromEntries(written)).spec).toEqual(spec);
    }),
  );
});

test('whatever is written under a key, it is a service or problems with places, never an exception', () => {
  const keys = fc.constantFrom(...serviceKeys.map(({ name }) => name), 'build', 'x-note', 'typo', '__proto__');
  const anything = fc.anything({ maxDepth: 3, withNullPrototype: true });
  fc.assert(
    fc.property(fc.dictionary(keys, fc.oneof(anything, fc.jsonValue(), fc.string())), (written) => {
      const { services, problems } = parseService('app', { image: 'shop/app:1', ...written }, serviceContext());
      expect(
        problems.length > 0 ||
          services.length > 0 ||
          written['scale'] !== undefined ||
          written['profiles'] !== undefined ||
          written['deploy'] !== undefined,
      ).toBe(true);
      for (const { message } of problems) expect(message).not.toMatch(/Invalid input|undefined|\[object/);
    }),
    {
      numRuns: 500,
      examples: [[{ image: null }], [{ image: undefined }], [{ image: '' }], [{ label_file: 'toString' }]],
    },
  );
});

test('a secret is in no option, whatever its value', () => {
  const value = fc.stringMatching(/^[!-~]{6,40}$/);
  fc.assert(
    fc.property(writtenTwice, value, ({ short }, text) => {
      const context = { ...serviceContext(), secrets: new Map([['token', new Secret('token', `<${text}>`)]]) };
      const written = { ...short, environment: { TOKEN: { secret: 'token' } }, secrets: ['token'] };
      const { options, words, envFile, files } = createOptions(service(written, 'app', context));
      expect([...options, ...words].join('\n')).not.toContain(`<${text}>`);
      expect(envFile).toBe(`TOKEN=<${text}>\n`);
      expect(files.map(({ mode, path }) => [mode, path.includes(text)])).toEqual([['0400', false]]);
    }),
  );
});
