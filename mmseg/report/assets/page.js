'use strict';

const isTouch = matchMedia('(pointer: coarse)').matches;
const font = { family: 'system-ui, sans-serif', size: 12, color: '#334155' };
const axis = { gridcolor: '#eef2f7', linecolor: '#cbd5e1', zeroline: false, automargin: true };
const config = { responsive: true, displaylogo: false, displayModeBar: false };

/** Add the page's look to a figure's own layout. */
function laidOut(layout) {
  return {
    font,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    hovermode: 'x unified',
    dragmode: isTouch ? false : 'zoom', // a finger scrolls the page
    legend: { orientation: 'h', x: 0, y: 1, yanchor: 'bottom' },
    ...layout,
    margin: { l: 48, r: 12, t: 10, b: 40, ...layout.margin },
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  };
}

/** Unpack plotly, which is most of this file, and run it. */
async function loadPlotly() {
  const packed = atob(document.getElementById('plotly').textContent);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const script = document.createElement('script');
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function drawFigures() {
  const figures = JSON.parse(document.getElementById('figures').textContent);
  await loadPlotly();
  for (const figure of figures) {
    await Plotly.newPlot(figure.key, figure.data, laidOut(figure.layout), config);
    await new Promise((done) => setTimeout(done)); // the page stays usable meanwhile
  }
  document.documentElement.dataset.drawn = figures.length;
}

function wireExamples() {
  const buttons = document.querySelectorAll('.tabs button');
  const show = (layer) => {
    for (const image of document.querySelectorAll('.stage .over')) {
      image.hidden = image.dataset.layer !== layer;
    }
    for (const button of buttons) {
      button.setAttribute('aria-pressed', button.dataset.layer === layer);
    }
  };
  for (const button of buttons) button.onclick = () => show(button.dataset.layer);
  for (const slider of document.querySelectorAll('.stage input')) {
    slider.oninput = () => slider.parentElement.style.setProperty('--split', `${slider.value}%`);
  }
}

wireExamples();
drawFigures();
