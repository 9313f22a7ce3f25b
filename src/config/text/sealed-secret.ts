import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';

/**
 * An encrypted value that cannot be read: no password was given, or it is another one's. As in Ansible that is an error
 * where the value is used, and nothing where it is not.
 */
export class SealedSecret extends Secret {
  constructor(
    name: string,
    readonly problem: Problem,
  ) {
    super(name, '');
  }

  override reveal(): never {
    throw new Error(this.problem.message);
  }
}
