import { containerKey, type ServiceKey } from '../key.ts';
import { command, flag, scalarText, span, texts, sortedTexts, unlessEmpty } from '../values.ts';
import { parseDuration } from '../../model/duration.ts';
import { quoteWords } from '../../shell/quote.ts';
import { signalFault } from './signal.ts';
import { flagKey, textKey } from './simple.ts';

/** What runs in the container, as whom, and how it ends. */
export const processKeys: readonly ServiceKey[] = [
  containerKey<readonly string[], readonly string[]>({
    name: 'entrypoint',
    doc: "Replaces the image's ENTRYPOINT, and with it the image's CMD. A line is split into words as a shell would; nothing is expanded.",
    schema: () => command,
    canonical: (words) => words,
    create: ([first = '', ...rest], sink) => {
      sink.option('entrypoint', first);
      sink.words(rest);
    },
    read: (container) => unlessEmpty(container.texts('Config.Entrypoint')),
    inherited: (image) => unlessEmpty(image.texts('Config.Entrypoint')),
    format: quoteWords,
  }),
  containerKey<readonly string[], readonly string[]>({
    name: 'command',
    doc: "Replaces the image's CMD. A line is split into words as a shell would; nothing is expanded.",
    schema: () => command,
    canonical: unlessEmpty,
    create: (words, sink) => sink.words(words),
    read: (container) => unlessEmpty(container.texts('Config.Cmd')),
    inherited: (image) => unlessEmpty(image.texts('Config.Cmd')),
    format: quoteWords,
  }),
  containerKey<string, string>({
    name: 'user',
    doc: 'The user, and with `user:group` the group, that the process runs as: names or numbers.',
    schema: () => scalarText,
    canonical: (user) => (user === '' ? undefined : user),
    create: (user, sink) => sink.option('user', user),
    read: (container) => container.text('Config.User') || undefined,
    inherited: (image) => image.text('Config.User') || undefined,
  }),
  containerKey<readonly string[], readonly string[]>({
    name: 'group_add',
    doc: 'Further groups of the process: names or numbers, as the container knows them.',
    schema: () => texts,
    canonical: (groups) => unlessEmpty(sortedTexts(groups)),
    create: (groups, sink) => groups.forEach((group) => sink.option('group-add', group)),
    read: (container) => unlessEmpty(sortedTexts(container.texts('HostConfig.GroupAdd'))),
  }),
  textKey('working_dir', 'The folder the process starts in.', 'workdir', 'Config.WorkingDir', {
    inherited: (image) => image.text('Config.WorkingDir') || undefined,
  }),
  containerKey<boolean, boolean>({
    name: 'init',
    doc: "Runs docker's init as process 1, which reaps zombies and passes signals on.",
    schema: () => flag,
    canonical: (init) => init,
    create: (init, sink) => sink.option('init', String(init)),
    read: (container) => (container.has('HostConfig.Init') ? container.flag('HostConfig.Init') : undefined),
  }),
  flagKey('stdin_open', "Keeps the process's stdin open.", 'interactive', 'Config.OpenStdin'),
  flagKey('tty', 'Gives the process a terminal.', 'tty', 'Config.Tty'),
  textKey(
    'stop_signal',
    "The signal that asks the process to end; the image's, else SIGTERM.",
    'stop-signal',
    'Config.StopSignal',
    { fault: signalFault, inherited: (image) => image.text('Config.StopSignal') || 'SIGTERM' },
  ),
  containerKey<string, string>({
    name: 'stop_grace_period',
    doc: 'How long the process may take to end its work before it is killed; 10s by default. Docker counts whole seconds: fractions are rounded up.',
    schema: () => span,
    canonical: (grace) => {
      const seconds = graceSeconds(grace);
      return seconds === 10 ? undefined : `${seconds}s`;
    },
    create: (grace, sink) => sink.option('stop-timeout', String(graceSeconds(grace))),
    read: (container) => {
      if (!container.has('Config.StopTimeout')) return undefined;
      const seconds = container.number('Config.StopTimeout');
      return seconds === 10 ? undefined : `${seconds}s`;
    },
  }),
];

/** Docker counts a grace in whole seconds. */
function graceSeconds(grace: string): number {
  return Math.ceil((parseDuration(grace) ?? 0) / 1000);
}
