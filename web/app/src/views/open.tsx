/** Opening a document that was received, and looking at it. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Button, Failure, Loading, Notice, Page, Panel, ProgressBar, type Back } from "../parts/basics.js";
import { DropZone, Form, TextField } from "../parts/fields.js";
import { Facts, Person, useName } from "../parts/identity.js";
import type { Account, Opened, Watch } from "../state/account.js";
import { openedName, parsePlace, preview, save, type Place, type Preview } from "../state/files.js";
import { useAccount } from "../state/model.js";
import { go, href } from "../state/route.js";
import { store, useStore } from "../state/store.js";
import { useWork } from "../state/work.js";
import { shortId, sizeOf, t } from "../texts/index.js";

/** What is looked at. It lasts as long as its view. */
export const opened = store<Opened | undefined>(undefined);

/** Fetches a published document and opens it. */
async function openPlace(account: Account, place: Place, watch: Watch): Promise<Opened> {
  const document = await account.session.download(place.id, watch);
  return account.decrypt(document, place.name ?? "", watch, `${account.session.identity.server}/v1/documents/${place.id}`);
}

/** Where one chooses what to open. */
export function OpenPanel(): JSX.Element {
  const account = useAccount();
  const [address, setAddress] = useState("");
  const [wrong, setWrong] = useState<string>();
  const open = useWork(async (watch, what: File | Place) => {
    const found = what instanceof File ? await account.decrypt(what, openedName(what.name), watch) : await openPlace(account, what, watch);
    opened.set(found);
    if (!account.guest) go("open"); // the address of a guest is his link
  });
  const submit = (): void => {
    const place = parsePlace(address, location.origin);
    setWrong(place === undefined ? t.documents.addressBad : place === "elsewhere" ? t.documents.addressElsewhere : undefined);
    if (typeof place === "object" && !open.busy) void open.run(place);
  };
  return (
    <Panel title={t.documents.open} text={t.documents.openText} icon="open">
      {open.busy ? <ProgressBar label={t.documents.opening} share={open.progress} onCancel={open.cancel} /> : (
        <>
          <DropZone label={t.documents.openFile} choose={t.common.choose} onFiles={([f]) => { if (f !== undefined) void open.run(f); }} />
          <Form label={t.documents.address} onSubmit={submit}>
            <div class="line">
              <TextField label={t.documents.address} value={address} onValue={(v) => { setAddress(v); setWrong(undefined); }} inputmode="url" wrong={wrong} />
              <Button type="submit">{t.documents.fetch}</Button>
            </div>
          </Form>
        </>
      )}
      <Failure error={open.error} />
    </Panel>
  );
}

/** A document: one that was just opened, or one to be fetched by the address of the view. */
export function Open({ args }: { args: readonly string[] }): JSX.Element {
  const account = useAccount();
  const found = useStore(opened);
  const [id, name] = args;
  const work = useWork(async (watch) => {
    if (id !== undefined) opened.set(await openPlace(account, { id, ...(name !== undefined && { name: openedName(name) }) }, watch));
  });
  const { run } = work;
  useEffect(() => {
    if (id !== undefined) void run();
    else if (opened.get() === undefined && !account.guest) go("documents");
    return () => { opened.set(undefined); };
  }, [id, run, account]);
  const back: Back = account.guest ? { onBack: () => { opened.set(undefined); }, label: t.common.back } : { href: href("documents"), label: t.documents.title };
  if (found !== undefined) return <Viewer document={found} back={back} />;
  return (
    <Page title={name === undefined ? t.documents.open : openedName(name)} back={back}>
      {work.error === undefined
        ? <Panel><ProgressBar label={t.documents.opening} share={work.progress} /></Panel>
        : <><Failure error={work.error} /><div class="row"><Button onClick={() => { void run(); }}>{t.common.retry}</Button></div></>}
    </Page>
  );
}

function Viewer({ document, back }: { document: Opened; back: Back }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const { info, content } = document;
  const known = info.author === account.id || account.nickname(info.author) !== undefined || info.author === account.session.link?.owner;
  return (
    <Page title={document.name} back={back}>
      <Panel>
        <div class="viewer-head">
          <Person id={info.author} note={`${t.viewer.writtenBy.toLowerCase()} · ${t.viewer.verified}`} />
          <Button kind="primary" icon="download" onClick={() => { save(content, document.name); }}>{t.viewer.save}</Button>
        </div>
        {!known && <Notice kind="warn">{t.viewer.stranger}: <span class="mono">{shortId(info.author)}</span>. {!account.guest && <a href={href("add", info.author)}>{t.viewer.add}</a>}</Notice>}
        {info.waiting && <Notice kind="warn">{t.viewer.waiting}</Notice>}
        <Content content={content} name={document.name} />
        <Facts rows={[[t.viewer.size, sizeOf(content.size)], [t.viewer.owner, name(info.owner)], [t.viewer.checked, "✓"]]} />
      </Panel>
    </Page>
  );
}

/** Shows pictures and text. Everything else is to be saved: nothing that others wrote is ever interpreted as a page here. */
function Content({ content, name }: { content: Blob; name: string }): JSX.Element {
  const [shown, setShown] = useState<Preview>();
  useEffect(() => {
    let url: string | undefined;
    let gone = false;
    void preview(content).then((p) => {
      if (p.kind === "picture") url = p.url;
      if (gone && url !== undefined) URL.revokeObjectURL(url);
      else setShown(p);
    });
    return () => {
      gone = true;
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [content]);
  switch (shown?.kind) {
    case undefined:
      return <Loading />;
    case "picture":
      return <img class="picture" src={shown.url} alt={name} />;
    case "text":
      return <figure class="text-figure"><pre class="text" tabIndex={0} aria-label={name}>{shown.text}</pre><figcaption class="hint">{t.viewer.textNote}</figcaption></figure>;
    case "none":
      return <p class="soft">{t.viewer.noPreview}</p>;
  }
}
