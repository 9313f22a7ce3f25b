// In the bundle in http2-wrapper's place: got imports that always, and uses it for `http2: true` alone.
export default {
  auto() {
    throw new Error('HTTP/2 is not part of this bundle');
  },
};
