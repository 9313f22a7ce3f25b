// In the bundle in the place of node:child_process for commander: it starts a program for a command that is a file of its
// own, and there is none.
exports.spawn = () => {
  throw new Error('commands that are programs of their own are not part of this bundle');
};
