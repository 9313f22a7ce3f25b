/** The demo's playbook: what a user would write for six web servers behind HAProxy. */
export function demoPlaybook(statsUrl: string, strategy = updateStrategy): string {
  return `name: demo
composition: composition.yaml
plays:
  - name: web tier
    hosts: web
    load_balancer: { type: haproxy, stats: ['${statsUrl}'], backend: web }
    health_container: health
    strategy: ${strategy}
    services:
      health: # answers the balancer's check
        ports: ['8081:8080']
        restart: always
      app:
        ports: ['8080:8080']
        restart: always
        healthcheck: { test: [CMD, /app, --check], interval: 200ms, timeout: 1s, retries: 3 }
        probe: { http: { port: 8080, path: /ready }, interval: 100ms }
`;
}

export function demoComposition(registry: string, version: string): string {
  return `name: demo_${version}
components:
  health: ${registry}/shop/health:1.0
  app: ${registry}/shop/app:${version}
`;
}

const updateStrategy =
  '{ canary: { bake: 3s, min_requests: 20 }, max_unavailable: 2, min_available: 3, min_healthy_time: 500ms }';

/** For hosts that run nothing yet: everything at once. */
export const firstDeployment = {
  strategy: '{ canary: { hosts: 0 }, max_unavailable: 100%, min_available: 0, min_healthy_time: 0s }',
};
