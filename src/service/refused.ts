/** Compose keys that rollout knows and does not take, each with the reason and what to do instead. */
export const refusedKeys: ReadonlyMap<string, string> = new Map(
  Object.entries({
    build: 'builds an image, and hosts only run them. Build and push it elsewhere, and name it with image',
    attach:
      'steers the output of `docker compose up`, which rollout does not have. Read logs with `docker logs` on the host',
    cpu_count: 'is for Windows containers only. Write cpus',
    cpu_percent: 'is for Windows containers only. Write cpus',
    credential_spec: 'is for Windows containers only',
    develop: 'is for development with Compose, and means nothing on a server. Remove it',
    extends:
      'takes keys from another service, which works in a Compose file that the play takes over. Here write them out, or share them with a YAML anchor and `<<`',
    external_links: 'is a form of links. Put both containers into one network, and use their names',
    isolation: 'is for Windows containers only',
    links: "is a leftover of docker's old networks. Put both services into one network: their names are known there",
    models: 'needs Docker Model Runner, which servers do not have',
    post_start: 'runs a command inside a started container. Write a task under tasks or post_tasks of the play',
    pre_stop:
      'runs a command inside a container that stops. Handle the stop signal in the program, or write a task of the play',
    provider: 'hands the service to a plugin of docker compose',
    use_api_socket: "would give the container the host's docker. Mount the socket with volumes if that is meant",
    volumes_from: 'shares the mounts of a container that an update replaces. Name the volumes in both services',
    version: 'belongs to the top of a Compose file, and means nothing any more. Remove it',
  }),
);
