/** The container that waits to take over `name`. */
export const nextName = (name: string): string => `${name}.next`;
/** The container that `name` replaced, parked for a rollback. */
export const previousName = (name: string): string => `${name}.previous`;
