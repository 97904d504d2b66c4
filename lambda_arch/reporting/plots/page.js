// Draws the figures of a page: <div class="plot"> elements, each with its figure as JSON in a script element inside.
(function () {
  var dark = window.matchMedia('(prefers-color-scheme: dark)'), print = window.matchMedia('print');
  var NARROW = 600, MANY = 8;  // pixels, names
  var MARKS = {circle: '\u25cf', square: '\u25a0', 'triangle-up': '\u25b2', diamond: '\u25c6', star: '\u2605', x: '\u2716',
    'circle-open': '\u25cb'};
  var status = document.getElementById('copied');
  function colours() {
    var style = getComputedStyle(document.documentElement);
    var text = style.getPropertyValue('--text').trim(), line = style.getPropertyValue('--line').trim();
    var back = style.getPropertyValue('--back').trim();
    var found = {'font.color': text, 'paper_bgcolor': back, 'plot_bgcolor': back};
    ['xaxis', 'yaxis'].forEach(function (axis) {
      ['gridcolor', 'linecolor', 'zerolinecolor', 'tickcolor'].forEach(function (part) { found[axis + '.' + part] = line; });
    });
    return found;
  }
  function say(name, done) { status.textContent = (done ? 'Copied: ' : 'Select and copy: ') + name; }
  function copyOldWay(name) {
    var box = document.createElement('textarea');
    box.value = name;
    document.body.appendChild(box);
    box.select();
    var done = document.execCommand('copy');
    box.remove();
    say(name, done);
  }
  function copy(name) {
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(name).then(function () { say(name, true); }, function () { copyOldWay(name); });
    } else {
      copyOldWay(name);
    }
  }
  // where a plot is narrow, or has many names, its legend is a list below it, in which long names have several lines
  function listLegend(element, figure) {
    var named = figure.data.filter(function (trace) { return trace.showlegend !== false; });
    if (named.length < 2 || (named.length <= MANY && element.clientWidth >= NARROW)) { return; }
    var list = document.createElement('ul');
    list.className = 'legend';
    named.forEach(function (trace) {
      var item = document.createElement('li'), mark = document.createElement('span'), name = document.createElement('span');
      mark.textContent = MARKS[trace.marker && trace.marker.symbol] || '\u25a0';
      mark.style.color = (trace.marker || trace.line).color;
      name.textContent = new DOMParser().parseFromString(trace.name, 'text/html').body.textContent;
      item.append(mark, name);
      list.appendChild(item);
    });
    element.appendChild(list);
    figure.layout.showlegend = false;
    figure.layout.margin.t = 30;
  }
  function draw(element) {
    var figure = JSON.parse(element.querySelector('script').textContent);
    var target = element.querySelector('.target');
    var found = colours();
    listLegend(element, figure);
    Plotly.newPlot(target, figure.data, figure.layout, {displaylogo: false, responsive: true}).then(function () {
      return Plotly.relayout(target, found);
    });
    target.on('plotly_click', function (event) { copy(event.points[0].customdata[0]); });
    [dark, print].forEach(function (media) {
      media.addEventListener('change', function () { Plotly.relayout(target, colours()); });
    });
  }
  var waiting = Array.from(document.querySelectorAll('.plot'));
  function drawOne(element) {
    if (waiting.indexOf(element) >= 0) { waiting.splice(waiting.indexOf(element), 1); draw(element); }
  }
  if ('IntersectionObserver' in window) {  // a long page draws what comes into view
    var observer = new IntersectionObserver(function (seen) {
      seen.forEach(function (each) { if (each.isIntersecting) { drawOne(each.target); } });
    }, {rootMargin: '600px'});
    waiting.forEach(function (element) { observer.observe(element); });
    window.addEventListener('beforeprint', function () { waiting.slice().forEach(drawOne); });
  } else {
    waiting.slice().forEach(drawOne);
  }
  document.addEventListener('click', function (event) {
    var from = event.target.closest && event.target.closest('[data-copy]');
    if (from) { copy(from.getAttribute('data-copy')); }
  });
})();
