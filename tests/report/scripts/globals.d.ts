// What pages get from the script of Vega-Embed.
declare function vegaEmbed(place: HTMLElement, spec: unknown, settings: unknown): Promise<unknown>;
