// The arrows of the house: which folder of src/ may import which. One row a folder.
const engineMay = [
  'check',
  'task',
  'model',
  'shell',
  'service',
  'events',
  'balancer',
  'ssh',
  'docker',
  'plan',
  'config',
];
const apiMay = [...engineMay, 'composition', 'init', 'engine', 'notify', 'schedule', 'store', 'render'];
const allowed = {
  model: [],
  shell: ['model'],
  boot: [],
  local: [],
  service: ['model', 'shell', 'schema'],
  events: ['model'],
  store: ['model', 'events', 'boot'],
  schema: ['model', 'shell'],
  balancer: ['model', 'schema', 'local'],
  check: ['model', 'local'],
  task: ['model', 'shell', 'schema'],
  ssh: ['model', 'shell', 'local'],
  docker: ['model', 'shell', 'service', 'ssh', 'local'],
  plan: ['model', 'service', 'events', 'balancer', 'docker'],
  config: ['model', 'shell', 'schema', 'service', 'task', 'balancer', 'local', 'events'],
  composition: ['model'],
  schedule: ['model', 'shell', 'local'],
  notify: ['model', 'events', 'render', 'local'],
  init: ['model', 'shell', 'service', 'docker'],
  render: ['model', 'events', 'plan', 'service', 'store'],
  engine: engineMay,
  api: apiMay,
  sandbox: ['model', 'shell', 'local'],
  cli: [...apiMay, 'api', 'boot', 'sandbox'],
};

const folders = Object.keys(allowed);

// The same for the folders inside of a folder. `.` are the files beside them: these may import every inner folder.
const allowedInside = {
  config: {
    text: [],
    regex: [],
    template: ['text', 'regex'],
    vault: ['text', '.'],
    compose: ['text', '.'],
    inventory: ['text', 'regex', 'vault', '.'],
    playbook: ['text', 'template', 'vault', 'compose', 'inventory', 'regex', '.'],
  },
  sandbox: {
    terminal: [],
    command: ['terminal', 'docker', 'docker-cli', '.'],
    container: ['command', '.'],
    docker: ['command', 'container', 'registry', '.'],
    'docker-cli': ['terminal', 'docker', 'registry', '.'],
    registry: ['docker', '.'],
    balancer: ['.'],
  },
};

const filesOf = (folder, inner) => (inner === '.' ? `^src/${folder}/[^/]+$` : `^src/${folder}/${inner}/`);

const insideRules = Object.entries(allowedInside).flatMap(([folder, rows]) => [
  {
    name: `${folder}-known-folders-only`,
    comment: `Every folder of src/${folder}/ has a row in the table above.`,
    severity: 'error',
    from: { path: `^src/${folder}/[^/]+/`, pathNot: Object.keys(rows).map((inner) => filesOf(folder, inner)) },
    to: {},
  },
  ...Object.entries(rows).map(([inner, may]) => ({
    name: `${folder}-${inner}-imports`,
    severity: 'error',
    from: { path: filesOf(folder, inner) },
    to: { path: `^src/${folder}/`, pathNot: [inner, ...may].map((each) => filesOf(folder, each)) },
  })),
]);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'known-folders-only',
      comment: 'Every folder of src/ has a row in the table above.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${folders.join('|')})/` },
      to: {},
    },
    ...folders.map((folder) => ({
      name: `${folder}-imports`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed[folder]].join('|')})/` },
    })),
    ...insideRules,
    {
      name: 'pure-core',
      comment: 'No effects in the pure folders: no node: modules and no I/O packages.',
      severity: 'error',
      from: { path: '^src/(model|plan|service|composition|init|render|events/(event|fold|redact|run-state))' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?util$' },
    },
    {
      name: 'plan-reads-parsers-only',
      comment: 'plan/ and init/ take types and pure parsers of docker/ and balancer/, never their effects.',
      severity: 'error',
      from: { path: '^src/(plan|init)/' },
      to: {
        path: '^src/(docker|balancer)/',
        pathNot: '^src/(docker/(observed|names|diff|hash|taken-ports|drain-note)|balancer/(view))',
      },
    },
    { name: 'src-never-imports-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench)/' } },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '@types/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
