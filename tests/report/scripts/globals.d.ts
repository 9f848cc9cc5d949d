// What pages get from the script of Vega-Embed.
declare function vegaEmbed(place: HTMLElement, spec: unknown, settings: unknown): Promise<{
  view: { signal(name: string, value: unknown): unknown; runAsync(): Promise<unknown>; finalize(): unknown };
}>;
