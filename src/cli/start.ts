import { useCompileCache } from '../boot/compile-cache.ts';
import { endIfDone } from '../boot/end.ts';
import { optimiseWebAssemblyLater } from '../boot/web-assembly.ts';

/** Has V8 ready before most of the tool is loaded, and starts it. */
export async function start(args: readonly string[]): Promise<void> {
  // First, for what V8 has compiled counts only with the flags that it was compiled with.
  optimiseWebAssemblyLater();
  useCompileCache(process.env, args);
  const { main } = await import('./program.ts');
  await main();
  endIfDone();
}
