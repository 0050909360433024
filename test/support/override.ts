// An adapter with some of its methods replaced. Adapters are classes with private fields: a copy of one has none of its methods.

/** The port, with `own` in place of its methods of those names. */
export function override<T extends object>(port: T, own: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
