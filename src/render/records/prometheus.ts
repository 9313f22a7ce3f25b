/** One value of a metric. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

type Metric = (name: string, help: string, samples: readonly Sample[]) => string[];

/** Makes the lines of a metric, each sample with `labels`; none where it has no samples. */
export function metricLines(type: 'gauge' | 'counter', labels: Readonly<Record<string, string>>): Metric {
  return (name, help, samples) =>
    samples.length === 0
      ? []
      : [
          `# HELP rollout_${name} ${help}`,
          `# TYPE rollout_${name} ${type}`,
          ...samples.map((sample) => `rollout_${name}${labelText({ ...labels, ...sample.labels })} ${sample.value}`),
        ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return `{${parts.join(',')}}`;
}

/** Backslash, quote and line end are what the format knows of. */
function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
