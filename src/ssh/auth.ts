import type { AnyAuthMethod, AuthenticationType } from 'ssh2';
import type { Secret } from '../model/secret.ts';
import type { IdentitiesFound } from './identities.ts';

/** sshd's default MaxAuthTries: it hangs up after as many refusals. */
const maxAuthTries = 6;

interface Candidate {
  readonly method: 'publickey' | 'password' | 'keyboard-interactive';
  /** As errors name it, with what went wrong where something did. */
  readonly label: () => string;
  readonly auth: AnyAuthMethod;
}

/**
 * The ways to log in, in ssh's order: keys, then the password. Keys beyond what a server accepts are left out, so that
 * the password, and an error that names what was tried, are reached before it hangs up.
 */
export class Authentication {
  /** How many ways were offered. */
  get attempts(): number {
    return this.#tried.length;
  }
  /** What the server said it takes. */
  methodsAccepted: readonly string[] = [];
  readonly #user: string;
  readonly #queue: Candidate[];
  readonly #tried: Candidate[] = [];
  readonly #notOffered: readonly string[];

  constructor(user: string, password: Secret | undefined, found: IdentitiesFound) {
    this.#user = user;
    const keys = found.identities.map(({ label, agent, failure }): Candidate => ({
      method: 'publickey',
      label: () => [label, failure()].filter((part) => part !== undefined).join(': '),
      auth: { type: 'agent', username: user, agent },
    }));
    const passwords = password === undefined ? [] : passwordCandidates(user, password);
    const keysOffered = keys.slice(0, maxAuthTries - passwords.length);
    this.#queue = [...keysOffered, ...passwords];
    const left = keys.length - keysOffered.length;
    this.#notOffered = [
      ...found.skipped,
      ...(left > 0 ? [`${left} more keys, as servers hang up after ${maxAuthTries} attempts`] : []),
    ];
  }

  /**
   * ssh2's authHandler: the next attempt, or false when there is none left. `accepted` is null for as long as only keys
   * were refused: ssh2 does not hand on what the server says then.
   */
  next(accepted: readonly AuthenticationType[] | null): AnyAuthMethod | false {
    if (accepted !== null) this.methodsAccepted = accepted;
    for (;;) {
      const candidate = this.#queue.shift();
      if (candidate === undefined) break;
      if (accepted !== null && !accepted.includes(candidate.method)) continue;
      this.#tried.push(candidate);
      return candidate.auth;
    }
    // Out of ways, "none" makes the server say what it takes.
    return accepted === null ? { type: 'none', username: this.#user } : false;
  }

  /** What to say when no way was good. */
  explain(): { message: string; hint: string } {
    const labels = this.#tried.map(({ label }) => label());
    const tried = labels.length === 0 ? 'nothing could be offered' : `tried ${labels.join(', ')}`;
    const skipped = this.#notOffered.length === 0 ? '' : `; not offered: ${this.#notOffered.join(', ')}`;
    const accepted = this.methodsAccepted.length === 0 ? '' : `; the server takes ${this.methodsAccepted.join(', ')}`;
    return {
      message: `${tried}${skipped}${accepted}.`,
      hint:
        'Name the key with ansible_ssh_private_key_file (or --private-key), load it into ssh-agent, or give ansible_password; ' +
        'and check that the user is right and its authorized_keys holds the key.',
    };
  }
}

/** Many servers take a password through keyboard-interactive only. */
function passwordCandidates(username: string, password: Secret): readonly Candidate[] {
  return [
    {
      method: 'password',
      label: () => 'password',
      auth: { type: 'password', username, password: password.reveal() },
    },
    {
      method: 'keyboard-interactive',
      label: () => 'password (keyboard-interactive)',
      auth: { type: 'keyboard-interactive', username, prompt: answerWith(password) },
    },
  ];
}

/** Answers questions for a password once; what is echoed is no password, and a second round means that it was wrong. */
function answerWith(password: Secret) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: readonly { prompt: string; echo?: boolean }[],
    finish: (answers: string[]) => void,
  ): void => {
    const answers = prompts.map(({ echo }) => (echo === true || answered ? '' : password.reveal()));
    answered ||= answers.some((answer) => answer !== '');
    finish(answers);
  };
}
