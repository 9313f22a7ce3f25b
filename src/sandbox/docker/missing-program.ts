/** What dockerd says of a start whose program the image lacks. */
export function missingProgram(program: string): string {
  const detail = program.includes('/')
    ? `stat ${program}: no such file or directory`
    : 'executable file not found in $PATH';
  return (
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ' +
    `exec: ${JSON.stringify(program)}: ${detail}: unknown`
  );
}

/** What `docker exec` says of a program that is not there. */
export function missingExec(program: string): string {
  return (
    'OCI runtime exec failed: exec failed: unable to start container process: ' +
    `exec: ${JSON.stringify(program)}: executable file not found in $PATH: unknown`
  );
}
