import { isTooShortToHide } from '../../model/redactor.ts';
import type { Secret } from '../../model/secret.ts';
import { problemIn, type Part } from '../document.ts';
import type { FilesContext, Head } from './head.ts';
import { placeholderSecrets, readSecrets } from './secrets.ts';

export async function secretsOf(
  head: Head,
  document: Part,
  mode: 'run' | 'check',
  env: NodeJS.ProcessEnv,
  { vault, problems }: Pick<FilesContext, 'vault' | 'problems'>,
): Promise<Map<string, Secret>> {
  if (mode === 'check') return new Map([...placeholderSecrets(head.secrets), ...head.inlineSecrets]);
  const failed: string[] = [];
  const read = await readSecrets(head.secrets, {
    folder: head.folder,
    env,
    decrypt: (text) => vault.text(text),
    report: (name, key, message) => {
      failed.push(name);
      problems.add(problemIn(document, ['secrets', name, key], `this secret cannot be read: ${message}`));
    },
  });
  // A secret that could not be had is reported once, at its source, and not again wherever it is used.
  for (const [name, secret] of placeholderSecrets(head.secrets)) if (failed.includes(name)) read.set(name, secret);
  const secrets = new Map([...read, ...head.inlineSecrets]);
  for (const [name, secret] of secrets) {
    if (isTooShortToHide(secret)) problems.warn(problemIn(document, ['secrets', name], tooShort));
  }
  return secrets;
}

const tooShort =
  'this secret has fewer than 4 characters: it is masked only where it stands alone, not within what hosts print; choose a longer one';
